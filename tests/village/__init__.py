"""The village: people, a group and a stranger on one server, and a model of what each of them may see."""
