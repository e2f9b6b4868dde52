"""How fast worldvae is, against what people use in its place and against the limit."""
