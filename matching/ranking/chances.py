"""How likely the buyer takes a match up, how likely the seller does, and how likely an order is then fulfilled."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from matching.ranking.additive import AdditiveLogistic
from matching.ranking.calibration import IsotonicCalibration
from matching.ranking.features import DIRECTIONS, FEATURES

# What the buyer's chance may rise or fall with; the seller's own record does not move the seller.
BUYER_DIRECTIONS = DIRECTIONS
SELLER_DIRECTIONS = DIRECTIONS | {"quantity": 0, "on_time": 0, "deliveries": 0}
# The chance to deliver looks at the supplier's record, the time left, the size and the way.
FULFILMENT_DIRECTIONS = {"on_time": 1, "deliveries": 1, "slack": 1, "quantity": 1, "distance": -1, "in_full": 1}
FULFILMENT_FEATURES = tuple(FULFILMENT_DIRECTIONS)
NAMES = {"buyer": FEATURES, "seller": FEATURES, "fulfilled": FULFILMENT_FEATURES}


@dataclass(frozen=True, slots=True)
class CalibratedChance:
    """An additive model whose chances a curve makes come true."""

    model: AdditiveLogistic
    calibration: IsotonicCalibration

    def chances(self, features: np.ndarray) -> np.ndarray:
        """Return the chances, shape (n,)."""
        return self.calibration.chances(self.model.chances(features))

    def to_dict(self) -> dict:
        return {"model": self.model.to_dict(), "calibration": self.calibration.to_dict()}

    @classmethod
    def from_dict(cls, document: Mapping, names: tuple[str, ...]) -> Self:
        return cls(
            AdditiveLogistic.from_dict(document["model"], names=names),
            IsotonicCalibration.from_dict(document["calibration"]),
        )


class Chances:
    """Say the three chances of pairs from their features."""

    def __init__(
        self,
        *,
        buyer: CalibratedChance,
        seller: CalibratedChance,
        fulfilled: CalibratedChance,
        card: Mapping | None = None,
    ) -> None:
        self.buyer = buyer
        self.seller = seller
        self.fulfilled = fulfilled
        self.card = dict(card or {})

    def of_pairs(self, features: np.ndarray, in_full: np.ndarray) -> np.ndarray:
        """Return the chances that the buyer takes each pair up, that the seller does, that an order is fulfilled.

        :param features: rows of ``pair_features``, shape (n, len(FEATURES))
        :param in_full: chance that the supplier delivers in full, NaN without a record, shape (n,)
        :return: shape (n, 3)
        """
        return np.stack(
            [
                self.buyer.chances(features),
                self.seller.chances(features),
                self.fulfilled.chances(fulfilment_features(features, in_full)),
            ],
            axis=1,
        )

    @property
    def version(self) -> str:
        return "-".join(head.model.version[:4] for head in (self.buyer, self.seller, self.fulfilled))

    def to_dict(self) -> dict:
        heads = {"buyer": self.buyer, "seller": self.seller, "fulfilled": self.fulfilled}
        return {**{name: head.to_dict() for name, head in heads.items()}, "card": self.card}

    @classmethod
    def from_dict(cls, document: Mapping) -> Self:
        """Return the chances that ``to_dict`` described.

        :raises ValueError: if they were learned on other features than ours
        """
        heads = {name: CalibratedChance.from_dict(document[name], names) for name, names in NAMES.items()}
        return cls(**heads, card=document.get("card"))

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


_PLACES = [FEATURES.index(name) for name in FULFILMENT_FEATURES[:-1]]


def fulfilment_features(features: np.ndarray, in_full: np.ndarray) -> np.ndarray:
    """Return what the chance to deliver looks at, shape (n, len(FULFILMENT_FEATURES))."""
    return np.column_stack([features[:, _PLACES], in_full])
