# Two images from one file; compose.yaml sets the command of each container. `app` serves and runs every worker; `research` adds PyTorch,
# for workers that make exact refits and export exact networks, and for training: docker build --target research.
FROM python:3.13-slim AS app
RUN useradd --create-home pav && mkdir -p /srv/pav && chown pav /srv/pav
WORKDIR /opt/pav
COPY requirements-app.txt .
RUN pip install --no-cache-dir -r requirements-app.txt
COPY . .
USER pav
ENV PAV_VAR=/srv/pav PYTHONUNBUFFERED=1
VOLUME /srv/pav
ENTRYPOINT ["python", "manage.py"]

FROM app AS research
USER root
RUN pip install --no-cache-dir -r requirements.txt
USER pav

# Without --target: the small one.
FROM app
