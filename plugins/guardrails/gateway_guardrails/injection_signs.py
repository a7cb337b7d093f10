"""What prompt injections usually say: signs of several kinds, in several languages."""

__all__ = ["SIGNS"]

_ORDERS = r"(?:instructions?|rules?|prompts?|guidelines?|directions?|orders?|restrictions?|context|programming|training)"
_EARLIER = r"(?:previous|prior|above|earlier|preceding|former|foregoing|initial|original|system|all|any|your|these|those|the|my)"

SIGNS: tuple[tuple[str, float, str], ...] = (
    (
        "override",
        0.8,
        rf"(?i)\b(?:ignore|disregard|forget|override|bypass|discard|skip|drop|neglect)\b(?:\W+\w+){{0,3}}?\W+{_EARLIER}\b(?:\W+\w+){{0,3}}?\W+{_ORDERS}\b",
    ),
    (
        "override",
        0.8,
        r"(?i)\b(?:ignore|disregard|forget)\W+(?:everything|all|anything)\W+(?:above|before|previously|you(?:'ve| have)? (?:been told|were told|learned|know))",
    ),
    (
        "override",
        0.8,
        r"(?i)\b(?:ignoriere?|vergiss|missachte|vergessen sie|ignorieren sie)\b.{0,40}\b(?:anweisungen|regeln|vorgaben|befehle|instruktionen|prompt)\b",
    ),
    (
        "override",
        0.8,
        r"(?i)\b(?:ignorez?|oublie[zr]?|négligez?)\b.{0,40}\b(?:instructions|règles|consignes|directives)\b",
    ),
    (
        "override",
        0.8,
        r"(?i)\b(?:ignora|ignore|olvida|olvide|omite)\b.{0,40}\b(?:instrucciones|reglas|indicaciones|órdenes)\b",
    ),
    ("override", 0.8, r"(?i)\b(?:ignora|dimentica|trascura)\b.{0,40}\b(?:istruzioni|regole|indicazioni)\b"),
    ("override", 0.8, r"(?i)\b(?:ignore|esqueça|desconsidere)\b.{0,40}\b(?:instruções|regras|orientações)\b"),
    ("override", 0.8, r"(?i)(?:игнорируй|забудь|не обращай внимания на).{0,40}(?:инструкци|правил|указани)"),
    ("override", 0.8, "(?:忽略|无视|忘记|忘掉).{0,10}(?:指令|指示|规则|提示|说明)"),
    ("override", 0.8, "(?:これまで|以前|上記|前)の.{0,6}(?:指示|命令|ルール).{0,6}(?:無視|忘れ)"),
    (
        "leak",
        0.6,
        rf"(?i)\b(?:reveal|show|print|repeat|output|display|tell me|give me|leak|expose|what (?:is|are|was|were))\b(?:\W+\w+){{0,4}}?\W+(?:system|hidden|initial|original|secret|developer|internal)\W+(?:prompt|message|{_ORDERS})\b",
    ),
    (
        "leak",
        0.6,
        r"(?i)\brepeat\b(?:\W+\w+){0,4}\W+(?:above|before this)\b.{0,30}\b(?:verbatim|word for word|exactly)\b",
    ),
    (
        "persona",
        0.6,
        r"(?i)\byou are (?:now|no longer)\b.{0,60}\b(?:dan|unrestricted|jailbroken|uncensored|unfiltered|evil|developer mode|without (?:any )?(?:rules|restrictions|filters|limits))\b",
    ),
    (
        "persona",
        0.6,
        r"(?i)\b(?:enable|enter|activate|switch to|simulate)\b.{0,20}\b(?:dan|developer|god|jailbreak|debug|sudo|admin|unrestricted)\W+mode\b",
    ),
    (
        "persona",
        0.5,
        r"(?i)\b(?:do anything now|no (?:ethical|moral) (?:guidelines|constraints)|without (?:any )?(?:ethical|moral|safety) (?:guidelines|constraints|restrictions|filters))\b",
    ),
    (
        "persona",
        0.4,
        r"(?i)\b(?:pretend|act|roleplay|behave|respond) (?:as|like|to be)\b.{0,60}\b(?:no|without) (?:rules|restrictions|limits|filters|guidelines)\b",
    ),
    (
        "marker",
        0.6,
        r"(?i)<\|(?:im_start|im_end|system|endoftext|assistant|user|start_header_id|eot_id)\|>|\[/?INST\]|<</?SYS>>|</?(?:system|assistant)>",
    ),
    (
        "marker",
        0.5,
        r"(?im)^\s*(?:#{2,}|\[|\*{2})?\s*(?:new |updated |real )?(?:system|developer|admin)\s*(?:prompt|message|instructions?|override)?\s*(?:\]|\*{2})?\s*:",
    ),
    (
        "marker",
        0.5,
        r"(?i)\b(?:begin|end|start) (?:of )?(?:new )?(?:system|developer) (?:prompt|message|instructions?)\b",
    ),
    (
        "exfiltration",
        0.5,
        r"(?i)!\[[^\]]{0,80}\]\(https?://[^)\s]{1,300}[?&][^)\s]{0,200}(?:\{|%7b|<|data=|q=|secret|token)",
    ),
    (
        "exfiltration",
        0.5,
        r"(?i)\b(?:send|post|forward|email|upload|exfiltrate)\b.{0,60}\b(?:conversation|chat history|system prompt|secrets?|api keys?|passwords?|credentials)\b.{0,60}\bto\b",
    ),
    (
        "concealment",
        0.4,
        r"(?i)\b(?:do not|don't|never) (?:mention|tell|reveal|inform|notify)\b.{0,40}\b(?:the )?user\b",
    ),
)
"""Kind, weight, and a pattern in RE2's syntax (https://github.com/google/re2/wiki/Syntax)."""
