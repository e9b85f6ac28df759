"""Push what changed in a warehouse to Braze: the runner beside the dbt package ``dbt_braze``."""

__version__ = "0.1.0"
