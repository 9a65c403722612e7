"""Types: numbers and labels that never change, defaults that may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobledger._core.priority import Priority
from jobledger._store.contract import Declaration

if TYPE_CHECKING:
    from jobledger.conformance.driver import Driver

OTHER = "__other__"


class TestDeclaring:
    """What a store knows of a type."""

    def test_a_type_keeps_its_number(self, driver: Driver) -> None:
        """However often it is declared, by whomever."""
        assert driver.declare("mail") == driver.mail
        types = driver.open().declare((Declaration("mail", "mail"),), 200)
        assert [type_.type_id for type_ in types if type_.name == "mail"] == [driver.mail]

    def test_the_label_stays_the_first(self, driver: Driver) -> None:
        """A series must not change its name."""
        driver.store.declare((Declaration("mail", "renamed"),), 200)
        assert {type_.name: type_.label for type_ in driver.store.types()}["mail"] == "mail"

    def test_the_defaults_are_the_latest(self, driver: Driver) -> None:
        """A new release may change them."""
        driver.declare("mail", priority=int(Priority.LOW), max_attempts=3, max_losses=7, timeout=5)
        mail = next(type_ for type_ in driver.store.types() if type_.name == "mail")
        assert (mail.priority, mail.max_attempts, mail.max_losses, mail.timeout) == (Priority.LOW, 3, 7, 5)

    def test_declaring_answers_with_all_types(self, driver: Driver) -> None:
        """Whoever declares learns what the others have declared."""
        types = driver.store.declare((Declaration("new", "new"),), 200)
        assert [type_.name for type_ in types] == ["mail", "bill", "new"]
        assert types == driver.store.types()

    def test_beyond_the_budget_types_share_a_label(self, driver: Driver) -> None:
        """Fixed in the table, so that every process counts alike; each type still works."""
        for name in ("third", "fourth", "fifth"):
            driver.declare(name, budget=3)
        labels = {type_.name: type_.label for type_ in driver.store.types()}
        assert labels == {"mail": "mail", "bill": "bill", "third": "third", "fourth": OTHER, "fifth": OTHER}
        fifth = driver.declare("fifth", budget=3)
        job_id = driver.submit(fifth)
        assert driver.start(1, types=(fifth,))[0].id == job_id

    def test_a_label_of_the_crowd_stays_with_a_larger_budget(self, driver: Driver) -> None:
        """Fixed once."""
        driver.declare("late", budget=2)
        driver.declare("late", budget=200)
        assert {type_.name: type_.label for type_ in driver.store.types()}["late"] == OTHER

    def test_the_budget_holds_within_one_call(self, driver: Driver) -> None:
        """Also for types declared together."""
        names = [f"t{number}" for number in range(5)]
        types = driver.store.declare(tuple(Declaration(name, name) for name in names), 4)
        assert [type_.label for type_ in types if type_.name in names] == ["t0", "t1", OTHER, OTHER, OTHER]

    def test_types_with_one_label_take_one_place(self, driver: Driver) -> None:
        """The budget is for labels."""
        types = driver.store.declare((Declaration("a", "same"), Declaration("b", "same"), Declaration("c", "c")), 4)
        assert [type_.label for type_ in types[2:]] == ["same", "same", "c"]
