"""What is asked and how it is measured. A study's spec is torch-free; its train needs torch."""
