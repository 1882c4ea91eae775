"""The benchmark of audits: sets whose traits are known, on bases that no choice was made on."""
