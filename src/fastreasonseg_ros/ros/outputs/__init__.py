"""What the nodes publish of a twin or an answer beside their own messages, while somebody subscribes."""
