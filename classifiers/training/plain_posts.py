"""A few invented posts of many kinds, on which the fixed eight-bit scales are found; nothing is learned from them."""

PLAIN_POSTS = (
    "Is the inset day still Monday?",
    "ok",
    "LOL 😂😂 what a day",
    "The head lied to parents about the budget and the whole school is badly run. Resign.",
    "nobody likes you hugo, you fat ugly loser, delete your account",
    "Well done Saoirse Quill, 5 Rowan, on your diving badge! We are all so proud of you.",
    "i'm bringing a knife to school tomorrow and i will stab him at the gate",
    "i want to kill myself, i can't do this any more",
    "Please send me a copy of all the personal data you hold about my son, this is a subject access request.",
    "Reporter from the Echo here, could we interview a parent about the closure? Ring 020 7946 0123.",
    "Someone made a second page with our logo: https://example.org/school-news, is it really you?",
    "Best school ever, amazing teachers, thank you for everything you did for my daughter",
    "Football fixtures moved to Thursday, bring shin pads and £3.50 for the coach, back by 17:15.",
    "They should send them all back where they came from, filthy animals, our street was fine before",
    "my mate sent round her nudes in y10 and now everyone has them, teachers do nothing",
    "Join the brothers, the day is near, learn how to build it: message me @falcon_88 for the channel",
    "Year 9 parents' evening: book your slots by Friday!!! The form is on the website, under 'Parents'.",
    "Why is there NEVER any parking at drop off... third week running, and a car nearly hit a child.",
    "hapy bday to my lil sis, 7 2day, luv u loads xx",
    "Mrs Bloom and Mr Achterberg took 28 pupils to the museum; Kwame, Zofia and Li Na asked the best questions.",
    "Does anyone have a spare PE kit, age 11-12? My son left his on the bus again.",
    "The caretaker works miracles. Heating fixed in an hour, in the snow, on a Sunday.",
    "@northmoor_high any news on exam results day? asking for a friend #gcse #results",
    "i hate maths i hate mondays i hate the canteen chips",
    "Lost: black Labrador near Oak Lane, M1 4AB, answers to Biscuit, please call if you see him.",
    "Three times we wrote about the bullying, three times we were told that it would be looked into. It has not been "
    "looked into. My daughter will not get out of the car in the morning, she is nine years old, and nobody at this "
    "school has so much as rung us. We have kept every letter. We will be going to the governors, and if they will "
    "not listen then to whoever inspects them. Do not tell us that you take this very seriously.",
    "if u come to the park after school ur dead, me and my cousins will be waiting, bring ur brother too",
    "Our choir sang for the residents of Fernhill House today. Tea, cake, and not a dry eye in the room.",
    "?????",
    "so apparently the new deputy is sacked already, anyone know why? heard he shouted at a year 7",
)
