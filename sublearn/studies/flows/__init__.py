"""How each kind of study is trained and measured. These modules need torch; what a study asks stands one level up."""
