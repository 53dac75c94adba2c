# Two images from one file; compose.yaml sets the command of each container. `app` serves and runs every worker; `research` adds PyTorch,
# for workers that make exact refits and export exact networks, and for training: docker build --target research.
# Written with care, never built: no Docker runs where PAV is developed.
FROM python:3.13-slim AS app-packages
RUN useradd --create-home pav && mkdir -p /srv/pav && chown pav /srv/pav
WORKDIR /opt/pav
ENV PAV_VAR=/srv/pav PYTHONUNBUFFERED=1
VOLUME /srv/pav
COPY requirements-app.txt .
RUN pip install --no-cache-dir -r requirements-app.txt
ENTRYPOINT ["python", "manage.py"]

# Packages come before the source, so that a change of the source installs nothing anew.
FROM app-packages AS research
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
USER pav

# Without --target: the small one.
FROM app-packages AS app
COPY . .
USER pav
