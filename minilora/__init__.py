"""minilora: the LoRA paper as a program."""
