"""Reading what is printed on things: text detection, recognition, agreement of two readings, and when to read what."""
