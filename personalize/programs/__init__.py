"""What commands run: banks are made, people and methods measured."""
