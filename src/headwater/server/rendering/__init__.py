"""From an answer to a page: the files that browsers fetch, the templates, the words and times in them."""
