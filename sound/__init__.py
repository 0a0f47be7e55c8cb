"""What is done to samples on their way to a recogniser; it knows neither the harness nor any model."""
