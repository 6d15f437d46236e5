"""How the helper compares with what a reader would write or install instead: ratios, not seconds (`make bench`)."""
