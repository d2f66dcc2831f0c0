"""Foundation models as perception: OWLv2 finds, SAM 2 segments and follows, Depth Anything V2 measures."""
