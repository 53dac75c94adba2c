"""Step: one step of the newest model export, as a worker of queue `gpu` does it."""

from personalize.worker import model_export
from ratings.exports.models import ModelExport


def main() -> None:
    model_export.advance(ModelExport.objects.latest("created_at").id)
