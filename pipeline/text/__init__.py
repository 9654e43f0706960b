"""How text is read, for every stage alike: prose and formulas told apart, money, numbers, number words and units."""
