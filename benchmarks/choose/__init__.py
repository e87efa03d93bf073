"""What a user should choose: accuracy, latency and size of one task in the forms that we export."""
