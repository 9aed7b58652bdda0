"""The steps of the program, which operators and heads lower to, without places."""
