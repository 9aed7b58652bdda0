"""What a step of the program is: what operators and heads lower to, before it has a place."""
