"""Who is told of an alert, by what and when: pure decisions, and the store of the rules that they follow."""
