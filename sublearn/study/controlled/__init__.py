"""The controlled design: teacher, students, their controls and cross-init, around any model, task and traits."""
