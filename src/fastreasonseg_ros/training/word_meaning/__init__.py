"""Word meaning that is learned from people's judgements: which labels fit a phrase (corpus/word_meaning)."""
