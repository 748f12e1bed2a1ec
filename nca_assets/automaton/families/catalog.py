"""The families, and how many of 512 rollouts are of each."""

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
    Family("spirals", 56, turning(SPIRALS)),
    Family("waves", 96, turning(WAVES)),
    Family("flow", 112, turning(FLOW)),
    Family("domains", 64, turning(DOMAINS)),
    Family("turbulence", 52, turning(TURBULENCE)),
    Family("excitable", 20, draw_excitable),
    Family("colonies", 12, draw_colonies),
    Family("breathers", 12, breathers(still_ground=True)),
    Family("pulsing_breathers", 14, breathers(still_ground=False)),
    Family("gliders", 10, gliders(still_ground=True)),
    Family("pulsing_gliders", 14, gliders(still_ground=False)),
    Family("lifelike", 10, draw_lifelike),
    Family("smooth", 24, draw_smooth),
    Family("plain", 16, draw_plain),
)

PLAIN = FAMILIES[-1]
"""The card's own rules, which the vocabulary is learned from too."""
