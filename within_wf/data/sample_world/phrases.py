"""The sentences that ads are made of, sorted by what they say and what they leave out."""

from __future__ import annotations

PRODUCTS: dict[str, tuple[str, ...]] = {
    "education": ("language course", "coding bootcamp", "maths tutoring", "exam course", "design class", "piano lessons"),
    "fashion": ("linen shirt", "rain jacket", "leather boots", "summer dress", "denim collection", "wool coat"),
    "finance": ("savings account", "travel card", "home loan", "pension plan", "budget planner", "index fund"),
    "fitness": ("yoga mat", "running shoes", "gym membership", "rowing machine", "training plan", "protein bar"),
    "food": ("meal box", "coffee beans", "pizza delivery", "fruit basket", "lunch plan", "oat drink"),
    "home": ("oak table", "desk lamp", "mattress", "air purifier", "garden set", "kitchen knife"),
    "software": ("invoicing app", "team calendar", "password manager", "photo editor", "help desk", "website builder"),
    "travel": ("city break", "beach holiday", "train pass", "mountain lodge", "weekend cruise", "island flight"),
}

OFFER_HEADLINES = (
    "{pct}% off every {product}",
    "Save {pct} percent on your {product}",
    "{product}, now {pct}% cheaper",
    "Half price {product} from {brand}",
    "Get your {product} for {price} less",
    "{brand} sale: {pct}% discount",
    "Two for one on the {product}",
    "Free {product} with your first order",
    "Big discount on the {product}, save {price}",
    "{pct}% discount on the {brand} {product}",
)
PLAIN_HEADLINES = (
    "The {product} by {brand}",
    "Meet the {brand} {product}",
    "{brand}: the {product} collection",
    "{product}, the {brand} edition",
    "See the {product} from {brand}",
    "{brand} presents the {product}",
    "Introducing the {product}",
    "About the {brand} {product}",
    "Your {product}, made by {brand}",
    "The story of the {product}",
)

BENEFITS: dict[str, tuple[str, ...]] = {
    "education": ("Speak with confidence after {n} weeks.", "Pass your exam with better grades."),
    "fashion": ("Stay warm, dry and comfortable all day.", "Look sharper and feel more at ease."),
    "finance": ("Earn {price} more on your money every year.", "Pay no fees and keep more for yourself."),
    "fitness": ("Get stronger and sleep better in {n} weeks.", "Lose weight and gain energy every day."),
    "food": ("Eat healthier and save {n} hours a week.", "Enjoy fresh flavour without any cooking."),
    "home": ("Wake up rested and free of back pain.", "Breathe cleaner air and relax at home."),
    "software": ("Save {n} hours of work every week.", "Finish your paperwork twice as fast."),
    "travel": ("Come home rested, happy and full of stories.", "Skip the queues and relax from day one."),
}
SHARED_BENEFITS = (
    "It saves you {n} hours and {price} every month.",
    "You will feel the difference within {n} days.",
    "Makes your life easier from the first day.",
    "Less stress for you, more time for family.",
)
NO_BENEFITS = (
    "Several versions of the {product} exist.",
    "It is part of our {product} range.",
    "There are {n} models in the catalogue.",
    "We have made the {product} since 19{pct}.",
    "Available in {n} colours and sizes.",
    "The range was presented this spring.",
    "Item number {n}-{pct} in our list.",
    "It belongs to the {brand} line.",
)

PROOFS = (
    "Rated {stars} of 5 stars by {crowd} customers.",
    "{crowd} happy customers recommend it.",
    "Winner of the customer choice award.",
    "Loved by {crowd} people like you.",
    "Nine in ten reviewers would buy again.",
    "Trusted by {crowd} families and recommended by experts.",
    "Five-star reviews from {crowd} buyers.",
    "Independent testers voted it number one.",
)
NO_PROOFS = (
    "Find it in the usual places.",
    "Our office is open on weekdays.",
    "See the page for the details.",
    "The manual is included in the box.",
    "Delivery is handled by the post.",
    "Other articles are listed below.",
    "Terms and conditions apply.",
    "Our address has not changed.",
)

URGENT = (
    "Hurry, the offer ends tonight!",
    "Only {n} left, order now!",
    "Last chance: it closes at midnight!",
    "Today only, do not miss it!",
    "Act fast before it sells out!",
    "Final hours, grab yours right now!",
    "Only until Sunday, be quick!",
    "The countdown is running, hurry!",
)
NOT_URGENT = (
    "Take all the time you want.",
    "It will be there next year too.",
    "There is no rush at all.",
    "Come by whenever it suits you.",
    "Available all year round.",
    "Always in stock, in every season.",
    "Whenever you are ready, so are we.",
    "Stays in the programme permanently.",
)

JARGON = (
    "Leveraging synergies for scalable value creation.",
    "A best-in-class, end-to-end paradigm solution.",
    "Holistic optimisation of core competencies.",
    "Strategically aligned stakeholder-centric methodology.",
    "Operationalising next-generation quality frameworks.",
    "Facilitating robust cross-functional deliverables.",
    "Enterprise-grade verticals with synergistic leverage.",
    "Pursuant to integrated excellence parameters.",
)
FRIENDLY = (
    "Hi there, we made this for you.",
    "Treat yourself, you deserve it.",
    "We think you are going to love it.",
    "Say hello to a little joy.",
    "Come on in and have a look.",
    "Made with love by our small team.",
    "You and your friends will smile.",
    "Bring home something you will enjoy.",
)

BRAND_STARTS = (
    "Nor",
    "Vel",
    "Lum",
    "Kora",
    "Tes",
    "Mira",
    "Ald",
    "Bren",
    "Cas",
    "Dov",
    "Eln",
    "Fen",
    "Gal",
    "Hal",
    "Ive",
    "Jun",
)
BRAND_ENDS = (
    "vela",
    "lio",
    "mont",
    "wick",
    "dora",
    "nest",
    "field",
    "mar",
    "sen",
    "tano",
    "berg",
    "via",
    "ley",
    "ria",
    "co",
    "ton",
)
