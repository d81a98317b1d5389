"""Django's model form, of which the types may name the model: `ModelForm[Inbox]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

if TYPE_CHECKING:
    from django.forms import ModelForm
else:

    class ModelForm(forms.ModelForm):
        """The same form at run time, where Django knows no brackets."""

        def __class_getitem__(cls, model: Any) -> type[forms.ModelForm]:
            return cls


__all__ = ["ModelForm"]
