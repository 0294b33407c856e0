//! Status words: the file's own word, and the class that stands behind it.
