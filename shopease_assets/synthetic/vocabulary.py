"""The words a synthetic ShopEase is made of. Data only; accents, quotes, commas and line breaks are on purpose."""

from typing import Final, NamedTuple


class Place(NamedTuple):
    """A city where customers live, with its sales tax in percent."""

    city: str
    state: str
    country: str
    postal_prefix: str
    tax_pct: int


PLACES: Final = (
    Place("New York", "NY", "US", "100", 9),
    Place("Los Angeles", "CA", "US", "900", 9),
    Place("Chicago", "IL", "US", "606", 10),
    Place("Houston", "TX", "US", "770", 8),
    Place("Phoenix", "AZ", "US", "850", 8),
    Place("Seattle", "WA", "US", "981", 10),
    Place("Denver", "CO", "US", "802", 8),
    Place("Portland", "OR", "US", "972", 0),
    Place("Portland", "ME", "US", "041", 6),
    Place("Coeur d'Alene", "ID", "US", "838", 6),
    Place("Toronto", "ON", "CA", "M5V", 13),
    Place("Montréal", "QC", "CA", "H2X", 15),
    Place("London", "England", "GB", "EC1", 20),
    Place("Edinburgh", "Scotland", "GB", "EH1", 20),
    Place("Berlin", "Berlin", "DE", "101", 19),
    Place("München", "Bayern", "DE", "803", 19),
    Place("Zürich", "ZH", "CH", "800", 8),
    Place("Paris", "Île-de-France", "FR", "750", 20),
    Place("São Paulo", "SP", "BR", "010", 17),
    Place("Kraków", "Małopolskie", "PL", "300", 23),
)
PLACE_WEIGHTS: Final = (14, 12, 9, 8, 6, 6, 4, 3, 1, 1, 5, 3, 7, 2, 5, 3, 2, 4, 3, 2)

TENANTS: Final = (
    ("ShopEase Direct", "UTC", "USD"),
    ("Northwind Outfitters", "America/New_York", "USD"),
    ("Café & Söhne", "Europe/Berlin", "EUR"),
    ("Harbour Home", "Europe/London", "GBP"),
    ("Tech Bazaar", "America/Los_Angeles", "USD"),
    ("Green Fork", "America/Chicago", "USD"),
    ("Petit Monde", "Europe/Paris", "EUR"),
    ("O'Malley Sports", "America/Denver", "USD"),
)
TENANT_PLANS: Final = ("free", "standard", "enterprise")

FIRST_NAMES: Final = (
    *("Olivia", "Liam", "Emma", "Noah", "Amélie", "José", "Zoë", "Łukasz", "Søren", "Chloé", "Mateo", "Aisha"),
    *("Yuki", "Priya", "Mohammed", "Fatima", "Grace", "Hannah", "Ivan", "Jürgen", "Mary Ann", "Siobhán", "Wei", "Ana"),
)
LAST_NAMES: Final = (
    *("Smith", "Johnson", "O'Brien", "García", "Müller", "Nguyễn", "Kowalski", "Dubois", "van der Berg", "Silva"),
    *("Okafor", "Tanaka", "Patel", "Cohen", "Rossi", "Jensen", "Smith-Jones", "Brown", "Martin", "Ivanova", "Lee"),
)
STREETS: Final = ("Main St", "Oak Avenue", "Rue de l'Église", "Königstraße", "High Street", "5th Ave", "Calle Mayor")
ADDRESS_DETAILS: Final = ("", "", "", "", ", Apt 4B", ', c/o "The Loft"', "\nBuilding 7", ", 2º andar")
EMAIL_HOSTS: Final = ("example.com", "example.org", "mail.example.net", "example.co.uk")
GENDERS: Final = ("female", "male", "non-binary")
SEGMENTS: Final = ("Premium", "Standard", "Basic")
LOYALTY_TIERS: Final = ("bronze", "silver", "gold")
SOURCES: Final = ("organic", "ads", "referral", "newsletter", "partner")

CATEGORIES: Final = {
    "Electronics": ("Headphones", "Cameras", "Laptops", "Chargers"),
    "Home & Kitchen": ("Cookware", "Bedding", "Lighting"),
    "Clothing": ("Shirts", "Shoes", "Jackets", "Accessories"),
    "Sports": ("Cycling", "Running", "Camping"),
    "Toys": ("Puzzles", "Dolls", "Board Games"),
    "Grocery": ("Coffee", "Snacks"),
}
BRANDS: Final = ("Acme", "Globex", "Initech", "Umbra", "Ærø", "Hôtel Maison", "Stark & Co", "Vandelay")
ADJECTIVES: Final = ("Classic", "Compact", "Deluxe", "Eco", "Smart", "Ultra", "Vintage", "Everyday")
DESCRIPTIONS: Final = (
    'The "original", now lighter.',
    "Soft, durable, machine-washable",
    "Line one\nline two",
    "Für drinnen und draußen; 100 % recycelt",
    "It's back, by popular demand",
)
COLORS: Final = ("black", "white", "red", "blue", "green")
SIZES: Final = ("XS", "S", "M", "L", "XL")
MATERIALS: Final = ("cotton", "steel", "wood", "plastic", "wool")

SUBSCRIPTION_PLANS: Final = (("basic", 999), ("plus", 1999), ("premium", 4999))  # cents a month

PAYMENT_METHODS: Final = ("credit_card", "debit_card", "paypal", "bank_transfer", "gift_card")
PAYMENT_WEIGHTS: Final = (45, 20, 22, 8, 5)
STORE_PAYMENT_METHODS: Final = ("credit_card", "debit_card", "cash", "gift_card")
STORE_PAYMENT_WEIGHTS: Final = (45, 25, 25, 5)
CHANNELS: Final = ("web", "mobile", "store", "marketplace")
CHANNEL_WEIGHTS: Final = (46, 28, 16, 10)
SHIPPING_METHODS: Final = ("standard", "express", "pickup")
SHIPPING_CENTS: Final = (499, 1299, 0)
SHIPPING_WEIGHTS: Final = (70, 22, 8)
COUPONS: Final = (("WELCOME5", 5), ("SPRING10", 10), ("VIP15", 15), ("FLASH20", 20))
CAMPAIGNS: Final = ("none", "spring", "newsletter", "retarget", "black friday")

DEVICES: Final = (
    ("desktop", "Windows"),
    ("desktop", "macOS"),
    ("mobile", "Android"),
    ("mobile", "iOS"),
    ("tablet", "iOS"),
)
DEVICE_WEIGHTS: Final = (28, 14, 26, 24, 8)
BROWSERS: Final = ("Chrome", "Safari", "Firefox", "Edge")
BROWSER_WEIGHTS: Final = (55, 25, 10, 10)
REFERRERS: Final = ("https://www.google.com/", "https://news.example.com/?q=a,b", "https://social.example.net/")
SEARCH_TERMS: Final = ("coffee", "running shoes", 'tv 55"', "gift, small", "jacke größe m", "puzzle 1000", "lampe")
PAGES: Final = ("/", "/sale", "/about", "/help", "/new")
