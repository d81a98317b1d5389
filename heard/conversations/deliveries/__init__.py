"""What arrived, as it arrived: asked for, kept, taken in, looked up at its place, and traced."""
