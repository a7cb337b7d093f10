"""One readable function per endpoint family, and settlement."""
