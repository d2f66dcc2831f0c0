"""Questions of many askers, one-off and standing, over one language model: asyncio, no ROS.

reasoner.py answers them, model_queue.py decides whose turn it is, standing_questions.py keeps those that stand,
open_vocabulary_retry.py asks perception for words that a question lacks.
"""
