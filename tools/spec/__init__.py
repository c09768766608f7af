"""Takes the vendor's OpenAPI document in, and turns it into the generated client."""
