"""What a person sees of a watch: a picture in the terminal, lines of text, an annotated video."""
