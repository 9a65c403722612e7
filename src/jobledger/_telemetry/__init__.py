"""What goes to OpenTelemetry; no library is imported for it before an App asks: ``App(…, telemetry=Telemetry())``."""
