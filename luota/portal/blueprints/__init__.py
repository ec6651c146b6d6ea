"""Monitors as code: files of YAML that are applied, exported, and shipped as blueprints."""
