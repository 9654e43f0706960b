"""How text is read, for every stage alike: prose and formulas separated, money, numbers, number words and units."""
