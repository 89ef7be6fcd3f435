"""The limits that no form asks for; those that people can set for a source are fields of `ApiSource`."""

from typing import Final

MAX_IN_FLIGHT: Final = 64  # requests on the wire at once, where nobody sets fewer
BACKOFF_BASE: Final = 0.25  # seconds; the first backoff is drawn from 0 to this
READY_BASE: Final = 1.0  # seconds before what is not ready yet (202) is asked for again; each time twice as long
BACKOFF_CAP: Final = 30.0
RETRY_AFTER_FLOOR: Final = 0.1  # seconds; what `Retry-After: 0` waits
REACH_PATIENCE: Final = 6.0  # seconds to open the first connection before any page came; then again for all others
SHORTEST_REACH: Final = 0.5  # seconds for the last of them
MAX_CLOCK_SKEW: Final = 86_400.0  # seconds between our clock and a Date header that is believed
READ_AHEAD: Final = 4  # pages asked for, and as many waiting to be taken, for each request that may be in flight
READ_AHEAD_BYTES: Final = 256 * 2**20  # of these pages together, as far as those that came tell; at least one a part
UNSEEN_PAGE_BYTES: Final = 32 * 2**20  # what a page counts as before any has come
RECORD_COST: Final = 128  # bytes that a record of a page takes beside its text
THROTTLED_ATTEMPTS: Final = 100  # requests for one page that may be answered 429, besides its other attempts
MAX_EMPTY_PAGES: Final = 1000  # in a row, of a walk by tokens: a server may hand out new ones for ever
MAX_REDIRECTS: Final = 5  # of one request, to other paths of the same origin
MAX_CODINGS: Final = 2  # layers of Content-Encoding
READ_BYTES: Final = 2**18  # taken from a connection at once; the more at once, the less often threads take turns
PIECE_BYTES: Final = 2**16  # of a body, decompressed at once
LOGIN_ATTEMPTS: Final = 5
LOGIN_BYTES: Final = 2**20  # of an answer to a login or refresh
LOGIN_DEADLINE: Final = 60.0  # seconds for one request for a token
MALFORMED_ATTEMPTS: Final = 3
MAX_GAPS_IN_A_ROW: Final = 20  # pages that may fail for good more than came since, and more than `max_failed_pages`
CLAIM_ASKINGS: Final = 3  # answers that have to agree before a page that ends, empties or shortens a walk is believed
CLAIM_PAUSE: Final = 1.0  # seconds before the second of them; before the third, twice as long
LOOK_BEYOND: Final = 2  # pages behind an empty one that have to be empty, too, where no total tells the end
MAX_SHORT_PAGES: Final = 20  # that stayed short though asked for again, after which a process asks for no more of them
EXPIRY_MARGIN: Final = 30.0  # seconds before its end that a token is refreshed; at most a tenth of its life
REMEMBERED_TOKENS: Final = 8  # dead tokens that are still masked in logs
MAX_NESTING: Final = 100  # levels of arrays and objects in a body
PROBE_ATTEMPTS: Final = 5  # requests for one answer of a probe
PROBE_REQUESTS: Final = 30  # questions of one probe; most sources take about ten
PROBED_SIZES: Final = (100, 1000, 10_000)  # page sizes that a probe tries
ANATOMY_LEVELS: Final = 4  # of objects in objects that a probe looks into
