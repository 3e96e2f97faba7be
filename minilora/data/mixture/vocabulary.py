"""The English words of the generated texts, and the syllables of the invented ones."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


THINGS = _words(
    """
    apple barrel basket bell bicycle book boot bottle bowl box bridge broom bucket button cabinet candle
    canoe cap cart chain chair chest clock coat coin comb compass cup curtain desk door dress drum
    engine fan feather fence fiddle flag flute fork garden gate glass glove hammer harp hat helmet hinge
    hook horn jacket jar jug kettle key kite knife ladder lamp lantern lid lock loom map mask medal mill
    mirror mug nail needle net oar oven paddle page paint pan parcel pearl pen pencil piano picture
    pillow pin pipe plank plate plough pocket pot pump purse quilt radio raft rake ribbon ring rope
    saddle sail saw scarf shelf shield shoe shovel sign sled spade spoon stamp stool stove string sword
    table tent thread ticket tile tool torch towel tower toy train tray trumpet trunk umbrella vase
    violin wagon wall watch wheel whistle window wire wrench
    """
)
KINDS = _words(
    """
    actor airport album animal artist author award bakery bank beach bird boat brand cafe camp captain
    car castle cave cheese chef choir church city class cloud club coach company concert country course
    crop dance dancer desert device dish doctor dog driver event factory farm ferry festival film fish
    flower forest fruit game garage glacier goal guest guide guitar harbour hero hill horse hospital
    hotel island jockey judge kingdom lake language lawyer lesson library lion machine market match meal
    member metal mine model monument moon mountain museum newspaper novel nurse office opera orchard
    order painter palace park party phone pilot planet plant player poem poet port prize project prophet
    province pupil race recipe region report river road robot rocket room route sailor school scientist
    season ship shop singer soldier song sport stadium star station statue store storm street student
    team temple theatre tournament town trade trail tree valley vehicle village volcano wave week weapon
    wine winner worker writer zoo
    """
)
FIELDS = _words(
    """
    age amount area author balance birthday born brand budget capacity capital captain category century
    champion city class coach code colour company cost country county date day deaths depth director
    distance district division duration elevation end engine episode father final founded founder
    frequency gender genre goals grade group guests height home host hour id income inventor kind label
    language leader league length level location loss manager mark material mayor measure medal members
    memory method month mother mouth name nation nickname notes number opened opponent origin owner page
    party period person phone place points population position power price producer product quantity
    rank rate rating reason record region result river role round salary score season seats series sex
    size source speed stage start state station status street style subject surface team temperature
    term title top total type value venue victory volume wages week weight width winner wins year zone
    """
)
QUALITIES = _words(
    """
    amber ancient big black blue bold bright broad brown busy calm clean clever cold copper crimson dark
    deep dry dusty early empty famous fast fine flat fresh gentle golden grand great green grey happy
    heavy hidden high holy hot huge iron kind large late lazy little local lonely long loud lucky modern
    narrow new noble old open orange pale plain proud purple quick quiet rare red rich round royal
    scarlet secret sharp short shy silent silver simple slow small soft solid square steep still strange
    strong sunny sweet tall thick thin tiny warm weak white wide wild wise wooden yellow young
    """
)
FIRST_NAMES = _words(
    """
    Ada Agnes Alan Albert Alice Amos Anna Arthur Basil Beatrice Ben Bertha Carl Carmen Chen Clara Daniel
    David Dora Edith Edward Elena Ella Emil Emma Eric Ernest Esther Fatima Felix Flora Frank Fred George
    Grace Greta Hannah Harold Hassan Helen Henry Hugo Ida Igor Ines Irene Isaac Ivan Jack James Jane
    Joan John Jonas Julia Karim Kate Laura Leo Lena Leon Lily Louis Lucy Luis Mabel Maria Mark Martha
    Martin Mary Maud Max Mei Mina Nadia Nell Nina Noah Nora Olga Oliver Omar Oscar Otto Paul Pedro Peter
    Philip Rahel Ralph Rita Robert Rosa Ruth Sam Sara Simon Sofia Susan Theo Thomas Tom Ursula Victor
    Vera Viola Walter Wanda William Yuki Zoe
    """
)
PLACES = _words(
    """
    Aberdeen Africa Amsterdam Asia Athens Berlin Boston Brazil Bristol Cairo California Canada Chicago
    Chile China Cork Cornwall Denmark Devon Dover Dublin Egypt England Essex Finland Florence Florida
    France Geneva Germany Ghana Glasgow Greece Hamburg Havana Hungary Iceland India Ireland Italy Japan
    Kent Kenya Lima Lisbon London Madrid Malta Mexico Milan Moscow Naples Norway Oslo Ottawa Oxford
    Paris Peru Poland Portugal Prague Quebec Rome Russia Scotland Seville Spain Sussex Sweden Sydney
    Tehran Texas Tokyo Toronto Turkey Venice Vienna Virginia Wales Warsaw York Zurich
    """
)
MONTHS = _words("January February March April May June July August September October November December")
DAYS = _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
ONSETS = _words(
    """
    b b c d d f g h h j k l l m m n n p p r r s s t t v w z bl br ch cl cr dr fl fr gl gr kl kr pl pr qu
    sh sk sl sm sn sp st str sw th tr tw
    """
)
VOWELS = _words("a a a a e e e e i i i i o o o o u u u ai au ea ee ei ie oa oo ou y")
CODAS = ("", "", "", "", *_words("b ck d f g k l ld ll m n n nd nt p r rd rn s sk st t th x z"))
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# Kinds of thing that a description can be about.
SUBJECTS = _words(
    """
    inn ship garden tower library film horse robot cake festival school train boat museum farm hotel
    band bridge mill castle shop novel song dragon island lamp clock engine village theatre dance market
    pony kite orchard lighthouse club game recipe statue palace bakery cinema cafe tavern kitchen
    """
)
