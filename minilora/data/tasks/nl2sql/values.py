"""Pools of words that table cells are drawn from: names of people and places, colours, trades, codes.

Before it: nothing. After it: ``schemas.py`` says which pool a column takes its words from, ``tables.py`` draws a few words a column.
Half of the names of people and places are common ones and half are put together from syllables, so that a value has to be copied from the
question and cannot be known by heart. No value holds a quotation mark.
"""

from itertools import product


def _words(text: str) -> list[str]:
    return text.split()


_FIRST_NAMES = _words("""Ada Agnes Albert Alice Amos Anna Arthur Ben Bertha Carl Clara Clement Cora David Dora Edgar Edith Edward Ellen Elsa Emma Ernest
Esther Ethel Felix Flora Frank Fred George Grace Greta Harold Harry Hazel Helen Henry Hugh Ida Iris Jacob James Jane Jasper John Joseph Julia
Kate Laura Lena Leo Lewis Lily Louis Lucy Mabel Mark Martha Martin Mary Maud Max Miles Nell Nora Oliver Oscar Otto Owen Paul Percy Peter
Philip Ralph Robert Rosa Ruth Sam Sarah Silas Simon Stella Susan Thomas Tom Vera Victor Walter William""")
_LAST_NAMES = _words("""Baker Barker Bell Bishop Brown Carter Clark Cole Cook Cooper Dale Fisher Ford Fox Gray Green Hall Harper Hill Hunt King Lane
Marsh Mason Miller Moore Page Parker Price Reed Rose Shaw Stone Taylor Turner Walker Ward Waters Webb West White Wood Young""")
_TOWNS = _words("""Bath Berlin Bern Bristol Cairo Cork Cornwall Devon Dover Dublin Essex Florence Geneva Genoa Kent Leeds Lima Lisbon London Lyons
Madrid Milan Naples Oxford Paris Plymouth Prague Rome Surrey Sussex Turin Venice Vienna Wales York""")

_PLACE_STARTS = _words(
    "Ald Ash Bar Bel Bram Brad Cal Car Dun Eld Fal Far Gar Hal Har Hol Kel Kil Lan Mal Mar Mel Mor Nor Pen Ros Sel Stan Sul Tam Tor Wal Wen Win"
)
_PLACE_ENDS = _words(
    "beck bridge bury by combe dale den field ford gate ham hurst ley low mere mond more ness port stead stow ton wick worth"
)
_NAME_STARTS = _words(
    "Al Bar Ber Cas Dal Dor El Fen Gal Hel Ir Jor Kar Lor Mal Mir Nal Or Per Ral Sar Tal Ul Vel Wil Yor Zel"
)
_NAME_ENDS = _words("an ana ar en eth ia ian ic in is o on or us win")

_ADJECTIVES = _words("""Amber Ancient Blue Brave Bright Broken Cold Dark Distant Empty Fair Fallen Gentle Golden Great Green Hidden Iron Last Little
Lonely Long Lost Merry Old Pale Proud Quiet Red Secret Silent Silver Slow Small Strange Sweet Tall Wild Winter Wooden""")
_NOUNS = _words("""Arrow Bear Bell Bird Bridge Castle Crown Dragon Eagle Falcon Fire Forest Fox Garden Gate Harbour Hawk Hill Horse House Island
Key King Lantern Lion Moon Mountain Ocean Queen River Road Rose Sea Shadow Ship Star Stone Storm Tiger Tower Tree Valley Wolf""")

_PLACES = [start + end for start, end in product(_PLACE_STARTS, _PLACE_ENDS)]
_NAMES = [start + end for start, end in product(_NAME_STARTS, _NAME_ENDS)]
_FULL_NAMES = [f"{first} {last}" for first, last in zip(_FIRST_NAMES * 2, _LAST_NAMES * 4, strict=False)]

POOLS: dict[str, list[str]] = {
    "place": _TOWNS * 12 + _PLACES,  # towns stand oftener, for they are few
    "person": _FIRST_NAMES * 3 + _FULL_NAMES + _NAMES,
    "title": [f"{adjective} {noun}" for adjective, noun in product(_ADJECTIVES, _NOUNS)],
    "code": [f"{letter}{number}" for letter, number in product("ABCDEFGHJKLMNPRSTUVWXY", range(1, 60))],
    "colour": _words(
        "amber black blue bronze brown crimson gold green grey indigo ivory orange pink purple red rose scarlet silver violet white yellow"
    ),
    "material": _words(
        "brick bronze clay copper cork cotton glass granite iron ivory lead leather linen marble oak paper pine sand silk silver slate steel stone tin wood wool"
    ),
    "metal": _words(
        "brass bronze chrome cobalt copper gold iron lead mercury nickel platinum silver steel tin zinc"
    ),
    "fabric": _words(
        "cotton denim felt flannel fur hemp lace leather linen satin silk suede tweed velvet wool"
    ),
    "rock": _words(
        "basalt chalk clay coal flint gneiss granite gravel limestone marble quartz sand sandstone shale slate"
    ),
    "animal": _words("""badger bear bee bull camel cat cow crow deer dog donkey duck eagle elephant fox frog goat goose hare hawk hen horse lamb leopard
lion mole monkey mouse otter owl ox parrot pig rabbit rat raven seal sheep snake spider swan tiger turtle whale wolf"""),
    "food": _words("""almond apple bacon barley bean beef berry bread butter cabbage cake carrot cheese cherry chicken corn cream egg fish garlic ginger
ham honey lamb lemon lentil melon milk mint mushroom nut oat olive onion orange pea peach pear pepper plum pork potato pumpkin rice salt sugar
tomato turnip vinegar walnut wheat"""),
    "trade": _words("""actor baker banker barber butcher carpenter clerk cook doctor driver farmer fisher gardener guard hunter judge king lawyer
merchant miller miner nurse painter pilot porter priest printer sailor servant shepherd smith soldier tailor teacher weaver writer"""),
    "land": _words("""Austria Belgium Brazil Canada Chile China Cuba Denmark Egypt England Finland France Germany Greece Hungary Iceland India Iran
Ireland Israel Italy Japan Kenya Mexico Nepal Norway Peru Poland Portugal Russia Scotland Spain Sweden Turkey"""),
    "tongue": _words(
        "Arabic Danish Dutch English Finnish French German Greek Hebrew Hindi Irish Italian Latin Norse Persian Polish Russian Spanish Swedish Turkish Welsh"
    ),
    "plant": _words(
        "ash beech birch cedar clover daisy elm fern fir heather holly iris ivy larch lily maple moss nettle oak palm pine poplar reed rose rush thistle thorn tulip violet willow yew"
    ),
    "genre": _words(
        "adventure ballad comedy crime drama epic essay fable fantasy farce folk history horror legend march mystery myth opera poem romance satire song travel tragedy war western"
    ),
    "month": _words("January February March April May June July August September October November December"),
    "day": _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    "mood": _words(
        "bold brave calm careful clever cruel eager faithful fierce gentle grave honest idle jolly kind lazy loyal merry modest noble patient proud quiet shy silent stern strict wise"
    ),
    "state": _words(
        "broken clean closed dry dusty empty faded fresh full hollow locked lost new open ragged ready ripe rough rusty sharp smooth soft solid sold stale torn used wet whole worn"
    ),
    "instrument": _words(
        "banjo bass bell bugle cello clarinet drum fiddle flute guitar harp horn lute lyre oboe organ piano pipe trumpet tuba viola violin whistle"
    ),
}
"""The words of each pool, by its name."""
