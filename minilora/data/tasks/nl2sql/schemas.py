"""Domains by hand: what kinds of table there are and which columns each may have.

Before it: ``values.py`` (the pools of words). After it: ``tables.py`` takes every table name of a domain and picks a few of its columns.

A numeric column is of one of three styles, which decide how a question speaks of it:

- ``count``: things one can have a number of ("more than 12 towers", "the fewest towers");
- ``measure``: a quantity ("a height over 12", "the greatest height");
- ``year``: a date ("before 1850", "the earliest year").
"""

from dataclasses import dataclass
from typing import Literal

Style = Literal["key", "text", "count", "measure", "year"]
NUMERIC: tuple[Style, ...] = ("count", "measure", "year")

NUMBER_RANGES = {
    "count": (2, 90),
    "measure": (2, 400),
    "year": (1600, 2000),
    "age": (2, 90),
    "grade": (1, 100),
    "rating": (1, 100),
}
"""The least and the greatest value by numeric style, or by column where its name asks for less; a column takes a stretch of it and repeats no value."""

NEVER_SUMMED = ("age", "rating", "grade", "speed", "slope", "size", "radius", "year")
"""Quantities of which a total means nothing."""


@dataclass(frozen=True)
class Domain:
    """Tables that can be built alike: their names, and for each possible column its style and, where it holds words, the name of their pool."""

    tables: tuple[str, ...]
    styles: dict[str, Style]
    pools: dict[str, str]


_DOMAINS = """
castles palaces abbeys chapels churches temples cathedrals forts manors monasteries mansions shrines citadels
    name:place | county:place lord:person stone:rock builder:person condition:state
    towers rooms gates windows servants halls | height width age year
ships boats yachts ferries barges canoes vessels frigates schooners tankers trawlers submarines rafts
    name:title | captain:person port:place flag:colour cargo:food owner:person
    masts sailors cabins guns voyages | length speed weight year
recipes soups cakes stews pies salads puddings sauces breads desserts curries pastries
    title:title | cook:person meat:food origin:land spice:food region:place
    eggs spoons portions steps cups | price weight rating
footballers runners swimmers boxers wrestlers cyclists rowers skaters jockeys archers golfers skiers gymnasts
    name:person | team:title country:land coach:person town:place shirt:colour
    goals medals races titles injuries | age weight height salary
planets moons comets stars galaxies asteroids meteors satellites
    name:person | colour:colour finder:person sector:code observatory:place
    rings craters visits probes | mass distance radius year
libraries museums galleries archives theatres cinemas bookshops academies colleges schools institutes
    name:title | city:place director:person founder:person district:place style:mood
    visitors floors members books seats | fee area budget year
novels poems stories plays journals letters diaries essays magazines pamphlets atlases manuals
    title:title | author:person language:tongue genre:genre publisher:place cover:colour
    pages chapters copies pictures errors | price weight rating year
horses dogs cats cows goats sheep pigs rabbits donkeys ponies camels parrots hamsters
    name:person | owner:person colour:colour farm:place temper:mood food:food
    prizes races spots children | age weight height price
farms orchards gardens vineyards ranches meadows plantations greenhouses nurseries dairies
    name:place | farmer:person crop:food county:place soil:rock tree:plant
    cows fields barns workers tractors | area rent harvest
rivers lakes canals streams lagoons reservoirs waterfalls ponds springs
    name:place | country:land source:place fish:animal colour:colour guardian:person
    bridges islands locks mills | length depth width
mountains hills volcanoes peaks cliffs caves glaciers ridges canyons valleys
    name:place | country:land climber:person rock:rock guide:person animal:animal
    paths huts visitors accidents | height slope distance year
trains trams buses locomotives coaches carriages wagons trucks taxis lorries
    code:code | driver:person depot:place colour:colour target:place maker:person
    wheels seats passengers stops doors | speed weight fare year
hotels inns taverns restaurants cafes hostels lodges pubs bakeries canteens
    name:title | street:place cook:person dish:food manager:person kitchen:land
    beds tables waiters guests stars | price rating rent
paintings statues portraits sculptures drawings posters carpets tapestries mosaics vases
    title:title | artist:person museum:place material:material colour:colour buyer:person
    figures copies owners thefts | price height width year
songs operas albums ballads symphonies concerts hymns anthems melodies
    title:title | singer:person instrument:instrument language:tongue mood:mood stage:place
    verses listeners prizes notes | length rating price year
films cartoons documentaries comedies musicals thrillers westerns trailers
    title:title | director:person actor:person country:land genre:genre studio:place
    awards scenes roles viewers | length rating budget year
soldiers knights sailors generals guards pirates captains admirals warriors
    name:person | armour:metal camp:place trade:trade shield:colour temper:mood
    battles wounds medals horses | age wage height
teachers doctors nurses lawyers bakers farmers clerks judges writers tailors plumbers carpenters engineers barbers
    name:person | town:place street:place temper:mood language:tongue pet:animal
    children pupils clients letters | age wage rent
tools hammers clocks lamps chairs desks cupboards mirrors candles baskets kettles ladders
    code:code | maker:person material:material colour:colour shop:place state:state
    parts screws repairs sales | price weight length
trees flowers ferns herbs shrubs mushrooms roses orchids weeds
    code:code | species:plant park:place colour:colour gardener:person insect:animal
    leaves seeds branches petals | height age width
villages towns cities provinces colonies kingdoms islands parishes harbours
    name:place | mayor:person country:land symbol:animal river:place banner:colour
    people houses schools churches markets | area tax debt year
shops markets factories banks offices warehouses breweries mines quarries tanneries
    name:title | owner:person street:place product:food city:place guard:person
    workers machines customers doors robberies | rent profit debt year
students pupils scholars apprentices orphans graduates trainees prisoners
    name:person | teacher:person town:place subject:tongue trade:trade temper:mood
    books lessons prizes brothers sisters | age grade height
meetings weddings festivals parades auctions lectures dinners picnics contests
    code:code | host:person place:place month:month day:day instrument:instrument gift:food
    guests speakers tables hours | cost fee length year
parcels orders tickets invoices receipts shipments crates barrels bottles
    code:code | sender:person buyer:person city:place product:food month:month state:state
    items boxes stamps delays | price weight cost
coats hats shoes dresses gloves shirts scarves trousers boots socks
    code:code | tailor:person fabric:fabric colour:colour shop:place state:state
    buttons pockets patches sales | price size length
bridges roads tunnels dams lighthouses stations airports docks railways
    name:place | engineer:person county:place material:material owner:person light:colour
    arches lanes accidents repairs workers | length width cost year
birds eagles owls swans whales sharks wolves bears tigers elephants snakes turtles penguins
    code:code | zoo:place keeper:person food:food colour:colour temper:mood
    eggs cubs wounds feedings | age weight length
experiments machines engines robots rockets telescopes inventions computers radios
    code:code | inventor:person laboratory:place metal:metal colour:colour state:state
    parts failures tests wires | cost weight power year
coins stamps medals jewels crowns rings swords shields necklaces
    code:code | king:person metal:metal land:land collector:person beast:animal
    owners copies gems marks | value weight width year
legends myths dreams proverbs riddles jokes fables rumours
    title:title | hero:person land:land beast:animal mood:mood teller:person
    words lines versions listeners | age rating length
"""
# Three lines a domain: the table names; the key column (another word in every row) | the text columns (a few words, repeated), each with
# its pool; the counts | the measures, and "year" where the table is dated.


def _read(lines: list[str]) -> Domain:
    key, texts = (part.split() for part in lines[1].split("|"))
    counts, measures = (part.split() for part in lines[2].split("|"))
    pools = dict(entry.split(":") for entry in key + texts)
    styles: dict[str, Style] = dict.fromkeys(pools, "text")
    styles[key[0].split(":")[0]] = "key"
    styles.update(dict.fromkeys(counts, "count"))
    styles.update(dict.fromkeys(measures, "measure"))
    if "year" in styles:
        styles["year"] = "year"
    return Domain(tuple(lines[0].split()), styles, pools)


_LINES = _DOMAINS.strip().splitlines()
DOMAINS = tuple(_read(_LINES[start : start + 3]) for start in range(0, len(_LINES), 3))
"""All domains, in the order written."""
