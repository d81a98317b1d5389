"""What a message says: language, mood, need, stance and urgency; texts in, `Reading` values out.

Pure: no database, no network, NumPy only. `read(texts)` takes a list and is fast on long ones;
`embed(texts)` gives each a point, near to what is said alike.
"""

from heard.reading.embedding import embed
from heard.reading.reading import Mood, Need, Reading, Stance, Urgency, forget, read

__all__ = ["Mood", "Need", "Reading", "Stance", "Urgency", "embed", "forget", "read"]
