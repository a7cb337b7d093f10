"""What a call used, in the units that are priced."""

import msgspec

__all__ = ["Usage"]


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens and other units of one call.

    As in the OpenAI usage object, the cached, audio and image counts are parts of `prompt_tokens`, and the
    reasoning and audio output counts are parts of `completion_tokens`. `is_estimated` says that the
    provider stated nothing and the gateway counted.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_creation_tokens: int = 0
    audio_input_tokens: int = 0
    image_input_tokens: int = 0
    reasoning_tokens: int = 0
    audio_output_tokens: int = 0
    image_output_tokens: int = 0
    images: int = 0
    is_estimated: bool = False

    @property
    def total_tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens
