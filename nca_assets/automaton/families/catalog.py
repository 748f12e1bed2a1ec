"""All families, with the functions that draw their rules. ``population`` holds their shares."""

from __future__ import annotations

from nca_assets.automaton.families.breathers import breathers
from nca_assets.automaton.families.colonies import draw_colonies
from nca_assets.automaton.families.excitable import draw_excitable
from nca_assets.automaton.families.family import Family
from nca_assets.automaton.families.gliders import gliders
from nca_assets.automaton.families.lifelike import draw_lifelike
from nca_assets.automaton.families.plain import draw_plain
from nca_assets.automaton.families.smooth import draw_smooth
from nca_assets.automaton.families.turning import DOMAINS, FLOW, SPIRALS, TURBULENCE, WAVES, turning

FAMILIES = (
    Family("spirals", turning(SPIRALS)),
    Family("waves", turning(WAVES)),
    Family("flow", turning(FLOW)),
    Family("domains", turning(DOMAINS)),
    Family("turbulence", turning(TURBULENCE)),
    Family("excitable", draw_excitable),
    Family("colonies", draw_colonies),
    Family("breathers", breathers(still_ground=True)),
    Family("pulsing_breathers", breathers(still_ground=False)),
    Family("gliders", gliders(still_ground=True)),
    Family("pulsing_gliders", gliders(still_ground=False)),
    Family("lifelike", draw_lifelike),
    Family("smooth", draw_smooth),
    Family("plain", draw_plain),
)

BY_NAME = {family.name: family for family in FAMILIES}

PLAIN = BY_NAME["plain"]
"""The card's own rules, from which most of the vocabulary is learned."""
