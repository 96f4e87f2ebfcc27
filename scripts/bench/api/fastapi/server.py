"""The contract's list, one post and vote on FastAPI and SQLAlchemy, as their manuals have it: asyncio with asyncpg and uvloop,
one session a request from a pool, the owner in the same statement, answers by response models. Run by gunicorn with two uvicorn
workers; the tables, indexes and the counting trigger are the API's own."""

import hashlib
import os
import uuid
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, conint
from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Integer, Text, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import contains_eager, declarative_base, relationship, sessionmaker

KEYS = dict(entry.split(":", 1) for entry in os.environ["JWT_KEYS"].split(","))
RELEASE = os.environ["RELEASE"]

engine = create_async_engine(os.environ["SQLALCHEMY_URL"], pool_size=20, max_overflow=0)
Session = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    email = Column(Text)
    username = Column(Text)
    token_version = Column(Integer)
    created_at = Column(DateTime(timezone=True))


class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    owner_id = Column(Integer, ForeignKey("users.id"))
    title = Column(Text)
    content = Column(Text)
    published = Column(Boolean)
    votes = Column(Integer)
    version = Column(Integer)
    created_at = Column(DateTime(timezone=True))
    updated_at = Column(DateTime(timezone=True))
    owner = relationship(User)


class Vote(Base):
    __tablename__ = "votes"
    post_id = Column(Integer, primary_key=True)
    user_id = Column(Integer, primary_key=True)


def iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"


class Shape(BaseModel):
    class Config:
        orm_mode = True
        json_encoders = {datetime: iso}


class UserShape(Shape):
    id: int
    username: str
    created_at: datetime


class PostShape(Shape):
    id: int
    title: str
    content: str
    published: bool
    created_at: datetime
    updated_at: datetime
    owner_id: int
    owner: UserShape
    votes: int


class Ballot(BaseModel):
    post_id: conint(ge=1, le=2**31 - 1)
    dir: conint(ge=0, le=1)


class Count(Ballot):
    votes: int


app = FastAPI()
bearer = OAuth2PasswordBearer(tokenUrl="/api/login")


async def session():
    async with Session() as opened:
        yield opened


async def caller(token: str = Depends(bearer), db: AsyncSession = Depends(session)) -> User:
    try:
        kid = jwt.get_unverified_header(token)["kid"]
        claims = jwt.decode(token, KEYS[kid], algorithms=["HS256"])
    except (jwt.PyJWTError, KeyError):
        raise HTTPException(401)
    found = await db.execute(
        select(User).where(User.id == int(claims["sub"]), User.token_version == claims["ver"])
    )
    user = found.scalar_one_or_none()
    if user is None:
        raise HTTPException(401)
    return user


def named(request: Request, response: Response) -> None:
    response.headers["X-Request-Id"] = request.headers.get("x-request-id") or str(uuid.uuid4())
    response.headers["X-Release"] = RELEASE


def visible_posts(user: User):
    return (
        select(Post)
        .join(Post.owner)
        .options(contains_eager(Post.owner))
        .where(or_(Post.published, Post.owner_id == user.id))
    )


@app.get("/api/posts", response_model=list[PostShape], dependencies=[Depends(named)])
async def list_posts(
    request: Request,
    response: Response,
    limit: int = Query(10, ge=1, le=100),
    user: User = Depends(caller),
    db: AsyncSession = Depends(session),
):
    found = await db.execute(visible_posts(user).order_by(Post.id.desc()).limit(limit + 1))
    posts = found.scalars().all()
    if len(posts) > limit:
        last = posts[limit - 1]
        query = urlencode([*parse_qsl(request.url.query), ("after", f"{last.votes}.{last.id}")])
        response.headers["Link"] = f'</api/posts?{query}>; rel="next"'
    return posts[:limit]


@app.get("/api/posts/{id}", dependencies=[Depends(named)])
async def read_post(
    id: int, response: Response, user: User = Depends(caller), db: AsyncSession = Depends(session)
):
    found = await db.execute(visible_posts(user).where(Post.id == id))
    post = found.scalar_one_or_none()
    if post is None:
        raise HTTPException(404)
    body = PostShape.from_orm(post).json(ensure_ascii=False, separators=(",", ":")).encode()
    digest = hashlib.sha256(body).hexdigest()[:16]
    return Response(
        body, media_type="application/json", headers={**response.headers, "ETag": f'"{post.version}.{digest}"'}
    )


@app.post("/api/vote", status_code=201, response_model=Count, dependencies=[Depends(named)])
async def vote(ballot: Ballot, user: User = Depends(caller), db: AsyncSession = Depends(session)):
    found = await db.execute(
        select(Post.votes)
        .where(Post.id == ballot.post_id, or_(Post.published, Post.owner_id == user.id))
        .with_for_update(key_share=True)
    )
    votes = found.scalar_one_or_none()
    if votes is None:
        raise HTTPException(404)
    given = {"post_id": ballot.post_id, "user_id": user.id}
    change = (
        insert(Vote).values(**given).on_conflict_do_nothing()
        if ballot.dir == 1
        else delete(Vote).filter_by(**given)
    )
    if (await db.execute(change)).rowcount == 0:
        raise HTTPException(409 if ballot.dir == 1 else 404)
    await db.commit()
    return {**ballot.dict(), "votes": votes + (1 if ballot.dir == 1 else -1)}


@app.get("/api/livez")
async def livez():
    return {"status": "ok", "release": RELEASE}
