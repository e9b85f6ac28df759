"""What ZetaSQL's reference implementation gives: a JSON array of queries of one value in, a JSON array of values out."""

import json
import sys

from zeta import executed

if __name__ == "__main__":
    json.dump([executed(query) for query in json.load(sys.stdin)], sys.stdout)
