"""Brands, places, teams, and the people of the house with their role."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _


class Brand(models.Model):
    """A name under which the company meets its customers."""

    name = models.CharField(max_length=120, unique=True)
    is_sample = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "brand"

    def __str__(self) -> str:
        return self.name


class Place(models.Model):
    """Somewhere customers come to: a shop, a hotel, a restaurant."""

    name = models.CharField(max_length=120, unique=True)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, null=True, blank=True)
    timezone = models.CharField(max_length=60, default="UTC")
    is_sample = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "place"

    def __str__(self) -> str:
        return self.name


class Team(models.Model):
    """People who answer together; an inbox is seen by its teams, or by everybody if it has none."""

    name = models.CharField(max_length=120, unique=True)
    is_sample = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "team"

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What somebody may do: an owner everything, a manager leads teams, an agent answers."""

    OWNER = "owner", _("Owner")
    MANAGER = "manager", _("Manager")
    AGENT = "agent", _("Agent")


class UserQuerySet(models.QuerySet["User"]):
    """Conditions on people of the house."""

    def at_work(self) -> UserQuerySet:
        """Those who may sign in."""
        return self.filter(is_active=True)


class UserManager(BaseUserManager["User"]):
    """Makes people; Django's sign-in asks for it."""

    def get_queryset(self) -> UserQuerySet:
        """Everybody."""
        return UserQuerySet(self.model, using=self._db)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make one person; without a password they sign in by link."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """Somebody of the house: owner, manager or agent."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.AGENT)
    teams = models.ManyToManyField(Team, blank=True, related_name="members")
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)
    timezone = models.CharField(max_length=60, default="UTC")
    is_sample = models.BooleanField(default=False, db_default=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        db_table = "staff_user"

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_owner(self) -> bool:
        """Sees and may do everything."""
        return self.role == Role.OWNER

    @property
    def leads(self) -> bool:
        """Owner or manager: sees figures about people and may change how the house works."""
        return self.role in (Role.OWNER, Role.MANAGER)

    @property
    def first_name(self) -> str:
        """What colleagues call them."""
        return self.name.split(" ")[0] if self.name else self.email.split("@")[0]


class Scope(models.TextChoices):
    """What a program may do with a token, never more than the person it acts for."""

    READ = "read", _("read conversations")
    WRITE = "write", _("answer and change conversations")
    INTAKE = "intake", _("bring messages in")


class ApiToken(models.Model):
    """A key with which a program acts for one person of the house. Only its digest is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, unique=True)
    beginning = models.CharField(max_length=12)
    """The first characters, by which people tell their tokens apart."""
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_token"

    def __str__(self) -> str:
        return f"{self.beginning}… {self.name}"
