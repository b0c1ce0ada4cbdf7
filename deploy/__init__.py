"""Everything that knows more than one stage: settings (the only reader of the environment), wiring, CLI, the stack."""
