"""The pages of Calendar Settings: `card` says what they show, the others are what people do there."""
