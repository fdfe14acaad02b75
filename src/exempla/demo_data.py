"""The invented examples that `exempla demo` works on: what customers ask a furniture shop."""

from __future__ import annotations

_ASKED = [
    ("How long do I have to return an order?", "Within 14 days of delivery.", "returns"),
    ("Do you ship abroad?", "Yes.", "shipping"),
    ("Where can I see where my parcel is?", "On the tracking page.", "shipping"),
    (
        "Can I change the address after I ordered?",
        "Yes, until the parcel leaves our warehouse.",
        "orders",
    ),
    ("Which cards do you take?", "All major credit and debit cards.", "payment"),
    ("Can I pay by invoice?", "Companies can, after a short check.", "payment"),
    ("How do I cancel an order?", "Open it under Orders and choose Cancel.", "orders"),
    (
        "My lamp arrived broken. What now?",
        "Send us a photo; we ship a new one the same day.",
        "returns",
    ),
    ("Who pays for the return parcel?", "We do.", "returns"),
    (
        "When will I get my money back?",
        "Within five working days after the parcel reached us.",
        "returns",
    ),
    ("Do you have a shop that I can visit?", "No, we only sell online.", "company"),
    ("How do I reset my password?", "Choose Forgot password on the log-in page.", "account"),
    ("Can I have two accounts?", "One account per e-mail address.", "account"),
    ("How do I delete my account?", "Under Settings, at the bottom: Delete account.", "account"),
    ("Are the bulbs included?", "Only where the product page says so.", "products"),
    ("Is the oak table oiled or lacquered?", "Oiled.", "products"),
    ("How heavy is the oak table?", "38 kg.", "products"),
    ("Can the sofa cover be washed?", "Yes, at 30 degrees.", "products"),
    ("What is the warranty on chairs?", "Five years.", "products"),
    ("Do you sell gift cards?", "Yes, from 10 to 500 euros.", "payment"),
    ("How long is a gift card valid?", "Three years.", "payment"),
    ("Can you deliver on a Saturday?", "In most towns; choose the day at checkout.", "shipping"),
    (
        "Does the driver carry the sofa upstairs?",
        "Yes, if you book delivery to the room.",
        "shipping",
    ),
    ("What does delivery cost?", "Nothing from 50 euros, else 4.90 euros.", "shipping"),
    ("Can I pick up my order myself?", "Yes, at our warehouse, on weekdays until six.", "shipping"),
    ("Do you take old furniture with you?", "Yes, for 25 euros a piece.", "shipping"),
    ("How do I get a copy of my bill?", "Under Orders, choose Bill.", "orders"),
    ("Can I add an item to an order?", "Not after payment; please place a second order.", "orders"),
    (
        "Why was my card refused?",
        "Most often the bank asks to confirm the payment in its app.",
        "payment",
    ),
    ("Is the wood from certified forests?", "Yes, all of it.", "company"),
    ("How do I write a review?", "Open the product and choose Write a review.", "account"),
    ("Do students get a discount?", "Yes, 10 percent with a valid student card.", "payment"),
    ("Which colours does the desk come in?", "White, oak and black.", "products"),
    ("Can I buy spare screws?", "We send them free of charge.", "products"),
    ("How do I reach a person?", "By phone on weekdays from nine to five.", "company"),
    ("Do you keep my card number?", "No, only our payment provider does.", "payment"),
]

QUESTIONS: list[dict[str, object]] = [
    {"question": question, "expected": expected, "topic": topic}
    for question, expected, topic in _ASKED
]
