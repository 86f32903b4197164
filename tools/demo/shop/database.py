"""The services' databases: SQLite files behind SQLAlchemy's connection pool."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, Float, QueuePool, String, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of the shop."""


class Order(Base):
    """An order that was paid."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(String(40))
    amount: Mapped[float] = mapped_column(Float)
    payment: Mapped[str] = mapped_column(String(40))


class Stock(Base):
    """What the shop has for sale."""

    __tablename__ = "stock"
    item: Mapped[str] = mapped_column(String(40), primary_key=True)
    price: Mapped[float] = mapped_column(Float)


class Payment(Base):
    """A payment that the bank confirmed."""

    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    receipt: Mapped[str] = mapped_column(String(40))
    amount: Mapped[float] = mapped_column(Float)


def connect(path: Path, pool_size: int, max_overflow: int, pool_timeout: float) -> Engine:
    """Return an engine over one SQLite file, with its tables made.

    ``pool_timeout`` is how many seconds a request waits for a free connection before SQLAlchemy
    raises its TimeoutError.
    """
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=pool_timeout,
        connect_args={"timeout": 10},
    )

    @event.listens_for(engine, "connect")
    def write_ahead(connection, _record) -> None:  # type: ignore[no-untyped-def]
        # Readers and the writer of two processes must not shut each other out.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    Base.metadata.create_all(engine)
    return engine
